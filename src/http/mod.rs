//! Floor 4: REST and SSE; decides nothing.
