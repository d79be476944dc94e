"""A made-up wider world: every kind of row that the shipped model may lack, written over a copy of its parameters."""

import shutil

from sandkasse.cohort.model import PARAMS

TRAITS = """
[[traits]]
name = "standing"
heritability = 0.3
shared_environment = 0.2
source = "made up"
[[traits]]
name = "pressure"
heritability = 0.4
shared_environment = 0.0
source = "made up"
loads = [ { on = "standing", weight = -0.5, source = "made up" }, { on = "bmi", weight = 0.4, source = "made up" } ]
[[place_shifts]]
trait = "standing"
by = { capital = 0.5, commuter = -0.2, rural = -0.4 }
source = "made up"
[education]
trait = "standing"
completed_at = [15.0, 20.0, 26.0]
source = "made up"
[education.lowest]
born = [1880, 2000]
men = [0.6, 0.2]
women = [0.7, 0.2]
source = "made up"
[education.highest]
born = [1880, 2000]
men = [0.1, 0.3]
women = [0.05, 0.4]
source = "made up"
[income]
trait = "standing"
trait_share = 0.5
source = "made up"
[[exposures]]
name = "gambling"
title = "Gambling"
starts_at_mean = 25.0
starts_at_sd = 3.0
starts_at_least = 18.0
stops_after_mean_years = 10.0
source = "made up"
[exposures.ever]
born = [1880, 2000]
men = [0.3, 0.3]
women = [0.2, 0.2]
source = "made up"
[exposures.ever_stops]
born = [1880, 2000]
men = [0.6, 0.6]
women = [0.6, 0.6]
source = "made up"
[[exposures.traits]]
trait = "standing"
log_odds_ratio = -0.8
source = "made up"
[[exposures.stop_traits]]
trait = "pressure"
log_odds_ratio = 0.5
source = "made up"
"""

CHILL = """
name = "chill"
title = "Chill (made up)"
recurs = { after_days = 40, at_most = 5, source = "made up" }
[incidence]
source = "made up"
ages = [0, 100]
men = [60.0, 60.0]
women = [60.0, 60.0]
[[incidence.season]]
months = [3, 2, 1, 1, 0, 0, 0, 0, 1, 1, 2, 3]
source = "made up"
[[incidence.season]]
from_year = 1999
to_year = 2003
months = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0]
source = "made up"
[[raised_by]]
of = "gambling"
hazard_ratio = 2.0
source = "made up"
[[raised_by]]
of = "ex_gambling"
hazard_ratio = 1.5
source = "made up"
[[raised_by]]
of = "chill"
hazard_ratio = 1.4
from_days = 30
to_days = 700
source = "made up"
[[death]]
hazard_ratio = 3.0
to_days = 90
source = "made up"
[acute]
within_days = 20
ages = [0, 100]
fatality = [0.002, 0.05]
source = "made up"
[detection]
rate_per_year = 8.0
source = "made up"
traits = [ { trait = "standing", log_hazard_ratio = 0.4, source = "made up" } ]
"""

WEAKNESS = """
name = "weakness"
title = "Weakness (made up)"
[incidence]
source = "made up"
ages = [0, 30, 100]
men = [0.1, 30.0, 30.0]
women = [0.1, 30.0, 30.0]
[[incidence.calendar]]
years = [1950, 2000]
ratios = [0.8, 1.0]
source = "made up"
[[incidence.calendar]]
only = "women"
years = [1950, 2000]
ratios = [1.5, 0.7]
source = "made up"
[[traits]]
trait = "pressure"
log_hazard_ratio = 0.5
source = "made up"
[[death]]
hazard_ratio = 5.0
to_year = 1994
source = "made up"
[[death]]
hazard_ratio = 4.0
from_year = 1995
source = "made up"
[detection]
rate_per_year = 1.0
source = "made up"
"""

TREATMENTS = """
[[treatment]]
name = "chill_vaccine"
title = "Vaccine against chill (made up)"
atc = ["J07XX"]
counterfactual = "withheld"
[[treatment.start]]
only = "women"
from_age = 60
to_age = 80
years = [1989, 1990, 2024]
rates_per_year = [0.0, 0.3, 0.3]
stop_per_year = 0.05
source = "made up"
traits = [ { trait = "standing", log_hazard_ratio = 0.3, source = "made up" } ]
[[treatment.start]]
condition = "weakness"
years = [1990, 2024]
rates_per_year = [0.5, 0.5]
early_days = 60
early_ratio = 3.0
stop_per_year = 1.5
resume_per_year = 2.0
source = "made up"
[[treatment.lowers]]
of = "chill"
hazard_ratio = 0.3
to_days = 3650
source = "made up"
[[treatment.lowers]]
of = "weakness"
hazard_ratio = 0.8
source = "made up"
"""

INTERVENTIONS = """
[[intervention]]
name = "vaccinate_the_weak"
title = "Everybody with known weakness is vaccinated, nobody gambles"
unexposed = ["gambling"]
source = "made up"
[[intervention.give]]
treatment = "chill_vaccine"
condition = "weakness"
from_age = 40
source = "made up"
"""


def write_wide(folder):
    """Write the wider world's parameters into a folder that is not there yet."""
    shutil.copytree(PARAMS, folder)
    (folder / "conditions" / "chill.toml").write_text(CHILL, encoding="utf-8")
    (folder / "conditions" / "weakness.toml").write_text(WEAKNESS, encoding="utf-8")
    model = (folder / "model.toml").read_text(encoding="utf-8")
    listed = model.index("]", model.index("conditions = ["))
    model = model[:listed].rstrip().rstrip(",") + ', "chill", "weakness"' + model[listed:]
    # Tables that the shipped model has by now would be there twice.
    model = "\n".join(_without(model.splitlines(), ("[education", "[income")))
    (folder / "model.toml").write_text(model + TRAITS, encoding="utf-8")
    for name, text in (("treatments.toml", TREATMENTS), ("interventions.toml", INTERVENTIONS)):
        with (folder / name).open("a", encoding="utf-8") as file:
            file.write(text)


def _without(lines, tables):
    inside = False
    for line in lines:
        if line.startswith("["):
            inside = line.startswith(tables)
        if not inside:
            yield line
