mod catalog;
mod probes;
mod queues;
mod storage;
