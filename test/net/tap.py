# SPDX-License-Identifier: BSD-2-Clause
"""A test's lines of TAP.

    report = Tap()
    report.ok(got == want, 'name', 'what a reader of a failure wants to know')
    report.end()
"""
import sys


class Tap:
    def __init__(self):
        self.count = 0
        self.failed = 0

    def ok(self, good, name, *notes):
        """One test; 'notes' are shown if it failed.  Returns 'good'."""
        self.count += 1
        self.failed += not good
        print('%s %d - %s' % ('ok' if good else 'not ok', self.count, name))
        if not good:
            self.note(*notes)
        sys.stdout.flush()
        return good

    def note(self, *notes):
        """Lines that prove shows with -v, and a failure with its cause."""
        for text in notes:
            for line in str(text).splitlines():
                print('# ' + line)
        sys.stdout.flush()

    def end(self):
        print('1..%d' % self.count)
        sys.exit(self.failed != 0)
