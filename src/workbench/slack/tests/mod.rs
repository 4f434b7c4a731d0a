//! Laws of the model and its faces.
