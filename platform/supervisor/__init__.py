"""Starts and watches Gatehouse's processes; standard library only, imports no Django."""
