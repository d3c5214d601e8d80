Feature: A check over the row and its parent

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
    When I add orders
      | id | customer | amount | counts |
      | A4 | Berta    | 500.01 | true   |
    Then it is refused: 500.01 is more than 500.00
    And orders A4 is gone
    When I add orders
      | id | customer | amount | counts |
      | A5 | Berta    | 500    | true   |
    Then orders A5 has
      | amount |
      | 500.00 |

  Scenario: update of an input
    When I change orders A1
      | amount  |
      | 1000.01 |
    Then it is refused: 1000.01 is more than 1000.00
    And orders A1 has
      | amount |
      | 100.00 |
    When I change orders A1
      | amount |
      | 1000   |
    Then orders A1 has
      | amount  |
      | 1000.00 |

  Scenario: update of something else
    When I change orders A1
      | note |
      | late |
    Then orders A1 has
      | note |
      | late |

  Scenario: foreign key change
    When I change orders A1
      | amount |
      | 600    |
    And I change orders A1
      | customer |
      | Berta    |
    Then it is refused: 600.00 is more than 500.00
    And orders A1 has
      | customer |
      | Ada      |

  Scenario: to null and back
    When I change orders A1
      | customer | amount |
      | null     | 5000   |
    And I change orders A1
      | customer |
      | Ada      |
    Then it is refused: 5000.00 is more than 1000.00
    When I change orders A1
      | customer | amount |
      | Ada      | 5      |
    Then orders A1 has
      | customer |
      | Ada      |

  Scenario: where becoming true and false
    When I change orders A3
      | amount |
      | 5000   |
    And I change orders A3
      | counts |
      | true   |
    Then it is refused: 5000.00 is more than 1000.00
    When I change orders A1
      | counts | amount |
      | false  | 5000   |
    Then orders A1 has
      | amount  |
      | 5000.00 |

  Scenario: delete
    When I remove batches b2
    Then it is refused: batch b2 is sealed
    And orders A2 has
      | batch |
      | b2    |
    When I change batches b2
      | sealed |
      | false  |
    And I remove batches b2
    Then orders A2 is gone

  Scenario: cascade
    When I change customers Ada
      | credit_limit |
      | 99.99        |
    Then it is refused: 100.00 is more than 99.99
    And customers Ada has
      | credit_limit |
      | 1000.00      |
    When I change customers Ada
      | credit_limit |
      | 100          |
    Then customers Ada has
      | credit_limit |
      | 100.00       |
