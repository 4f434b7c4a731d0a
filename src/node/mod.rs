//! Floor 2: how to get, find, link to and let go of a machine.
