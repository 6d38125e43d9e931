//! The kernel as a process: what starts, interrupts and ends it.
