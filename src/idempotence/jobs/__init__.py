"""The typed settings of each rule's job, to and from JSON; standard library only."""
