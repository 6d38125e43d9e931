//! Notebooks executed against the echo kernel.
