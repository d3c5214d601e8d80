Feature: A formula over the row and the rows above it

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
    Then orders A1 has
      | tax   |
      | 10.00 |
    When I add orders
      | id | customer | amount |
      | A4 | Berta    | 12.34  |
    Then orders A4 has
      | tax  |
      | 2.47 |
    When I add orders
      | id | amount |
      | A5 | 5      |
    Then orders A5 has
      | tax  |
      | 0.00 |

  Scenario: update of an input
    When I change orders A1
      | amount |
      | 200    |
    Then orders A1 has
      | tax   |
      | 20.00 |

  Scenario: update of something else
    When I change orders A1
      | note |
      | late |
    Then orders A1 has
      | tax   |
      | 10.00 |
    When I change customers Ada
      | credit_limit |
      | 2000         |
    Then orders A1 has
      | tax   |
      | 10.00 |

  Scenario: foreign key change
    When I change orders A1
      | customer |
      | Berta    |
    Then orders A1 has
      | tax   |
      | 20.00 |
    When I change customers Berta
      | region |
      | North  |
    Then orders A1 has
      | tax   |
      | 10.00 |

  Scenario: to null and back
    When I change orders A1
      | customer |
      | null     |
    Then orders A1 has
      | tax  |
      | 0.00 |
    When I change orders A1
      | customer |
      | Ada      |
    Then orders A1 has
      | tax   |
      | 10.00 |
    When I change customers Ada
      | region |
      | null   |
    Then orders A1 has
      | tax  |
      | 0.00 |
    And orders A2 has
      | tax  |
      | 0.00 |
    When I change customers Ada
      | region |
      | South  |
    Then orders A1 has
      | tax   |
      | 20.00 |
    And orders A2 has
      | tax   |
      | 10.00 |

  Scenario: delete
    When I remove orders A2
    Then orders A1 has
      | tax   |
      | 10.00 |

  Scenario: cascade
    When I change regions North
      | tax_rate |
      | 0.30     |
    Then orders A1 has
      | tax   |
      | 30.00 |
    And orders A2 has
      | tax   |
      | 15.00 |
    And orders A3 has
      | tax  |
      | 9.00 |
    When I remove regions North
    Then orders A1 has
      | tax  |
      | 0.00 |
    And orders A3 has
      | tax  |
      | 0.00 |
