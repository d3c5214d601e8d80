//! The engine alone, over rows in memory.
