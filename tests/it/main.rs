mod fidelity;
