"""The bundled sample upstream: a small, honest imitation of vendors' sites that serves small real bootable ISOs on loopback."""
