Feature: A sum over the children that count

  Background:
    Given I add regions
      | id    | tax_rate |
      | North | 0.10     |
      | South | 0.20     |
    And I add customers
      | id    | region | credit_limit |
      | Ada   | North  | 1000         |
      | Berta | South  | 500          |
    And I add batches
      | id | sealed |
      | b1 | false  |
      | b2 | true   |
    And I add orders
      | id | customer | batch | amount | counts |
      | A1 | Ada      | b1    | 100    | true   |
      | A2 | Ada      | b2    | 50     | true   |
      | A3 | Ada      |       | 30     | false  |

  Scenario: insert
    Then customers Ada has
      | owed   |
      | 150.00 |
    And customers Berta has
      | owed |
      | 0.00 |
    When I add orders
      | id | customer | amount | counts |
      | A4 | Ada      | 25     | true   |
    Then customers Ada has
      | owed   |
      | 175.00 |
    When I add orders
      | id | customer | amount | counts |
      | A5 | Ada      | 25     | false  |
    Then customers Ada has
      | owed   |
      | 175.00 |
    When I add orders
      | id | amount | counts |
      | A6 | 25     | true   |
    Then customers Ada has
      | owed   |
      | 175.00 |

  Scenario: update of an input
    When I change orders A1
      | amount |
      | 80     |
    Then customers Ada has
      | owed   |
      | 130.00 |

  Scenario: update of something else
    When I change orders A1
      | note |
      | late |
    Then customers Ada has
      | owed   |
      | 150.00 |
    When I change customers Ada
      | credit_limit |
      | 2000         |
    Then customers Ada has
      | owed   |
      | 150.00 |

  Scenario: foreign key change
    When I change orders A1
      | customer |
      | Berta    |
    Then customers Ada has
      | owed  |
      | 50.00 |
    And customers Berta has
      | owed   |
      | 100.00 |
    When I change orders A3
      | customer |
      | Berta    |
    Then customers Berta has
      | owed   |
      | 100.00 |

  Scenario: to null and back
    When I change orders A1
      | customer |
      | null     |
    Then customers Ada has
      | owed  |
      | 50.00 |
    When I change orders A1
      | customer |
      | Ada      |
    Then customers Ada has
      | owed   |
      | 150.00 |

  Scenario: where becoming true and false
    When I change orders A1
      | counts |
      | false  |
    Then customers Ada has
      | owed  |
      | 50.00 |
    When I change orders A3
      | counts |
      | true   |
    Then customers Ada has
      | owed  |
      | 80.00 |
    When I change orders A3
      | counts |
      | null   |
    Then customers Ada has
      | owed  |
      | 50.00 |
    When I change orders A1
      | counts |
      | true   |
    Then customers Ada has
      | owed   |
      | 150.00 |
    When I change orders A1
      | counts | customer |
      | false  | Berta    |
    Then customers Ada has
      | owed  |
      | 50.00 |
    And customers Berta has
      | owed |
      | 0.00 |

  Scenario: delete
    When I remove orders A2
    Then customers Ada has
      | owed   |
      | 100.00 |
    When I remove orders A3
    Then customers Ada has
      | owed   |
      | 100.00 |

  Scenario: cascade
    When I remove batches b1
    Then orders A1 is gone
    And customers Ada has
      | owed  |
      | 50.00 |
