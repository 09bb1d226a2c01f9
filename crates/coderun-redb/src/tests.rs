mod failing;
mod restarting;
mod support;
