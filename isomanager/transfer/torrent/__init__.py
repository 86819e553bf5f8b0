"""BitTorrent: what a torrent says of a file, and a swarm to fetch it from. Only `swarm` needs libtorrent."""
