"""Contact with the server: its address, gRPC connection, HTTP pages, models and process."""
