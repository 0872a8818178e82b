"""PostgreSQL: the truth about money and status. One file of queries per noun; nothing below the edge commits."""
