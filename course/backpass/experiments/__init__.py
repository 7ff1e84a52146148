"""The experiments of the lectures, one module per lecture. Each is registered as a reproduction card."""
