"""The tape: nodes, who may record and who watches, memory and its versions, the words of its messages."""
