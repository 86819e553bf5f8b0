"""What is done with the library: each module is one verb, composed from catalogue, trust, transfer, storage and inventory."""
