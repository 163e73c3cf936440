"""CPU, memory and CPU throttling of this machine and of the server's process."""
