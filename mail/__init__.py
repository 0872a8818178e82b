"""Mail turns facts into letters and hands them to an SMTP server; it decides neither what is sent nor when."""
