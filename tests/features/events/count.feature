Feature: How many children count

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
      | order_count |
      | 2           |
    And customers Berta has
      | order_count |
      | 0           |
    When I add orders
      | id | customer | amount | counts |
      | A4 | Ada      | 25     | true   |
    Then customers Ada has
      | order_count |
      | 3           |
    When I add orders
      | id | customer | amount | counts |
      | A5 | Ada      | 25     | false  |
    Then customers Ada has
      | order_count |
      | 3           |
    When I add orders
      | id | amount | counts |
      | A6 | 25     | true   |
    Then customers Ada has
      | order_count |
      | 3           |

  Scenario: update of an input
    When I change orders A1
      | amount |
      | 80     |
    Then customers Ada has
      | order_count |
      | 2           |

  Scenario: update of something else
    When I change orders A1
      | note |
      | late |
    Then customers Ada has
      | order_count |
      | 2           |
    When I change customers Ada
      | credit_limit |
      | 2000         |
    Then customers Ada has
      | order_count |
      | 2           |

  Scenario: foreign key change
    When I change orders A1
      | customer |
      | Berta    |
    Then customers Ada has
      | order_count |
      | 1           |
    And customers Berta has
      | order_count |
      | 1           |
    When I change orders A3
      | customer |
      | Berta    |
    Then customers Berta has
      | order_count |
      | 1           |

  Scenario: to null and back
    When I change orders A1
      | customer |
      | null     |
    Then customers Ada has
      | order_count |
      | 1           |
    When I change orders A1
      | customer |
      | Ada      |
    Then customers Ada has
      | order_count |
      | 2           |

  Scenario: where becoming true and false
    When I change orders A1
      | counts |
      | false  |
    Then customers Ada has
      | order_count |
      | 1           |
    When I change orders A3
      | counts |
      | true   |
    Then customers Ada has
      | order_count |
      | 2           |
    When I change orders A3
      | counts |
      | null   |
    Then customers Ada has
      | order_count |
      | 1           |
    When I change orders A1
      | counts |
      | true   |
    Then customers Ada has
      | order_count |
      | 2           |
    When I change orders A1
      | counts | customer |
      | false  | Berta    |
    Then customers Ada has
      | order_count |
      | 1           |
    And customers Berta has
      | order_count |
      | 0           |

  Scenario: delete
    When I remove orders A2
    Then customers Ada has
      | order_count |
      | 1           |
    When I remove orders A3
    Then customers Ada has
      | order_count |
      | 1           |

  Scenario: cascade
    When I remove batches b1
    Then orders A1 is gone
    And customers Ada has
      | order_count |
      | 1           |
