"""The fast lane: streaming detectors of the textbooks, for who asks; none of them promises a rate of false alarms."""
