//! From a kernel to a running sensor: BTF, the attach plan, the programs, their maps.

pub mod btf;
mod objects;
pub mod order;
mod own;
pub mod plan;
mod programs;
pub mod sensor;
mod unwanted;
mod uring;

pub use self::{
    objects::Needs,
    plan::{Attach, Plan},
    sensor::{Sensor, Settings},
};
