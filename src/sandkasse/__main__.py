"""`python -m sandkasse` is the command line."""

from sandkasse.cli import main

main()
