// Defines the custom element of runnable examples, once the page is built.
