//! What becomes of the bytes of a recording as they arrive.
