//! Floor 4: the far sides as strict models.

pub mod forge;
