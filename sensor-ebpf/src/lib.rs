//! What kernel and user space share: the wire format of the ring buffer, the table of kernel
//! struct fields whose offsets user space looks up in BTF, and the configuration globals.
#![no_std]
#![forbid(unsafe_code)]

pub mod calls;
pub mod config;
pub mod fields;
pub mod filter;
pub mod loss;
pub mod wire;
