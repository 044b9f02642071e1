"""The running log 运行日志: what happened and what was done, in the order of time; read only."""
