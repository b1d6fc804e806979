"""The HTTP side: what other programs and the admin page call.

A handler reads a request into a pydantic model, asks the Speaker, the voices or a pipeline, and writes the answer while
it comes. It computes nothing itself.
"""
