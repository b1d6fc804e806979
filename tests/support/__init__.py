"""What several tests use: real servers on loopback, and clients that speak to them."""
