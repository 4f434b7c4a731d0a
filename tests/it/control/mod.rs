//! Stories of the control plane: a real store, a hand-turned clock, and the far sides as strict models.

mod endings;
mod failures;
mod forge;
mod lives;
mod nodes;
mod people;
mod supervisor;
mod world;
