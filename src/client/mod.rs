//! Floor 4: `Control` over HTTP.
