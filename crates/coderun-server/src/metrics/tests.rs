mod catalog;
mod probes;
mod storage;
