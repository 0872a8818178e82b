"""The front: staff's API, the payer's pages, and the doors that gateways knock on. One router a file."""
