//! On a Cluster of three masters: the whole contract within one partition, and what is different with sixteen.

mod contract;
mod partitions;
