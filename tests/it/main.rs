mod fidelity;
mod normalising;
mod rows;
