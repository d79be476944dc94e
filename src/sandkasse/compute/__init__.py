"""Where work is done: implementations of the `Runner` protocol."""
