"""The purposes of the draws of observation; the life's lie below 1000, the pseudonyms' from 1900 to 9999.

Every component draws from its own stream, named by person and purpose, so that adding one leaves all other rows as
they were.
"""

PERSON = 1000
PRACTICE = 1001
VISITS = 1002
OTHER_SERVICES = 1003
PREGNANCIES = 1004
CONTACT_TIME = 1005
LAST_DAY = 1006
CHILDREN = 1007
BESIDE = 1008  # what comes with a contact or a panel, in the order in which a person has them
INPATIENT = 1010  # then outpatient and emergency
CONDITION = 1100  # then one for each condition of care
THERAPY = 1200  # then one for each therapy
THERAPY_AGAIN = 1250  # the second spell of each
CONDITION_DRUG = 1300  # then one for each drug that a condition brings
CONDITION_SERVICE = 1350  # then one for each service that a condition brings
CHRONIC_DRUG = 1400  # then one for each class that everybody may come to use
FALSE_CODE = 1479
MESS = 1480  # then one for each trap of the tier messy
MARRIAGE = 1500
LEAVING_HOME = 1501
INCOME = 1502
BIRTH = 1503
CAUSE_OF_DEATH = 1504
VACCINE_KEPT = 1505
TUMOUR = 1520  # then one for each cancer
VACCINE = 1550  # then one for each vaccine
RESUMED = 10_000  # then, for each time that a treatment is taken up again, one for each therapy
