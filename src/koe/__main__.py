"""`python -m koe` is the `koe` command."""

from koe.cli import main

main()
