"""The proof: faults, leaks, malformed input and power cuts, over each path through blurcam.

A feed carries a code of its own in every frame, painted where its face is (``canary``). A path
under test (``paths``) is a way to send a feed through the program: it runs in a process of its own
(``zygote``), with one fault (``faults``) and, to show that the test can fail, perhaps with one
deliberate break of the product (``breaks``). Then everything that the process left behind is
searched for the codes, and the books are checked (``verdict``).
"""
