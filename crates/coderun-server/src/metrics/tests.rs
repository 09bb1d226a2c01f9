mod catalog;
mod queues;
mod standing;
mod storage;
