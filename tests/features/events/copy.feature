Feature: A copy of the parent's value

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
      | credit  |
      | 1000.00 |
    When I add orders
      | id | customer | amount |
      | A4 | Berta    | 1      |
    Then orders A4 has
      | credit |
      | 500.00 |
    When I add orders
      | id | amount |
      | A5 | 5      |
    Then orders A5 has
      | credit |
      | null   |

  Scenario: update of an input
    When I change customers Ada
      | credit_limit |
      | 2000         |
    Then orders A1 has
      | credit  |
      | 1000.00 |
    When I add orders
      | id | customer | amount |
      | A4 | Ada      | 1      |
    Then orders A4 has
      | credit  |
      | 2000.00 |

  Scenario: update of something else
    When I change customers Ada
      | credit_limit |
      | 2000         |
    And I change orders A1
      | note | amount |
      | late | 99     |
    Then orders A1 has
      | credit  |
      | 1000.00 |

  Scenario: foreign key change
    When I change orders A1
      | customer |
      | Berta    |
    Then orders A1 has
      | credit |
      | 500.00 |
    When I change customers Ada
      | credit_limit |
      | 2000         |
    And I change orders A1
      | customer |
      | Ada      |
    Then orders A1 has
      | credit  |
      | 2000.00 |

  Scenario: to null and back
    When I change orders A1
      | customer |
      | null     |
    Then orders A1 has
      | credit |
      | null   |
    When I change orders A1
      | customer |
      | Ada      |
    Then orders A1 has
      | credit  |
      | 1000.00 |

  Scenario: delete
    When I remove orders A2
    Then orders A1 has
      | credit  |
      | 1000.00 |

  Scenario: cascade
    When I remove customers Ada
    Then orders A1 has
      | customer | credit |
      | null     | null   |
