"""One person, observed."""

from register_twin.conditions import Conditions
from register_twin.faults import Faults
from register_twin.hospital import Hospital
from register_twin.laboratory import Laboratory
from register_twin.pharmacy import Pharmacy
from register_twin.pregnancies import Pregnancies
from register_twin.primary_care import PrimaryCare
from register_twin.world import END, NEVER


class Person(Laboratory, Pharmacy, PrimaryCare, Hospital, Conditions, Pregnancies, Faults):
    """One person, observed."""

    def observe(self):
        if self.spells:
            self.visits()
            self.other_services()
            self.other_contacts()
            self.chronic_drugs()
            self.conditions()
            self.services_elsewhere()
            self.treatments()
            self.pregnancies()
            self.last_day()
            if "undiagnosed" not in self.off:
                for name in ("t1d", "t2d"):
                    if self.onset[name] < END and self.known[name] == NEVER:
                        self.trap("undiagnosed", self.onset[name])
        return {kind: sorted(words) for kind, words in self.words.items()}
