//! Floor 1: the public JSON and the frames between control plane and supervisor.
