Feature: Payments
  Payments that have cleared lower what an order and its customer owe.

  Background:
    Given I add customers
      | id  |
      | Ada |
    And I add orders
      | id | customer | amount |
      | A1 | Ada      | 100    |
      | A2 | Ada      | 40     |
    And I add payments
      | id | order | amount | cleared |
      | p1 | A1    | 60     | true    |
      | p2 | A1    | 30     | false   |

  Scenario: Only what has cleared is paid
    Then orders A1 has
      | paid  | owed  |
      | 60.00 | 40.00 |
    And customers Ada has
      | owed  | open_orders |
      | 80.00 | 2           |

  Scenario: A payment clears, and bounces
    When I change payments p2
      | cleared |
      | true    |
    Then orders A1 has
      | paid  | owed  |
      | 90.00 | 10.00 |
    When I change payments p2
      | cleared |
      | false   |
    Then customers Ada has
      | owed  |
      | 80.00 |

  Scenario: The last payment closes the order
    When I add payments
      | id | order | amount | cleared |
      | p3 | A1    | 40     | true    |
    Then customers Ada has
      | owed  | open_orders |
      | 40.00 | 1           |
    When I change payments p2
      | cleared |
      | true    |
    Then it is refused: 130.00 is more than the 100.00 of order A1

  Scenario: A payment is put to another order, and to none
    When I change payments p1
      | order |
      | A2    |
    Then it is refused: 60.00 is more than the 40.00 of order A2
    When I change payments p1
      | order | amount |
      | A2    | 40     |
    Then orders A1 has
      | paid |
      | 0.00 |
    And orders A2 has
      | owed |
      | 0.00 |
    When I change payments p1
      | order |
      | null  |
    Then customers Ada has
      | owed   | open_orders |
      | 140.00 | 2           |

  Scenario: The amount of an order is not lowered below what is paid
    When I change orders A1
      | amount |
      | 59.99  |
    Then it is refused: 60.00 is more than the 59.99 of order A1
    When I change orders A1
      | amount |
      | 60     |
    Then customers Ada has
      | owed  | open_orders |
      | 40.00 | 1           |
