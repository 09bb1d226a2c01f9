mod catalog;
mod queues;
mod runners;
mod standing;
mod storage;
