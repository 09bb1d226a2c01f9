//! Tests a Cluster of three masters: the whole contract in one partition, and the differences with sixteen.

mod contract;
mod partitions;
