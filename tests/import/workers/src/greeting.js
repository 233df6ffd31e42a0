export const greeting = "hello from a Worker";
