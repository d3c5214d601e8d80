Feature: A default where the client gave nothing

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
      | priority |
      | normal   |
    When I add orders
      | id | amount |
      | A4 | 200    |
    Then orders A4 has
      | priority |
      | high     |
    When I add orders
      | id | amount | priority |
      | A5 | 200    | low      |
    Then orders A5 has
      | priority |
      | low      |
    When I add orders
      | id | amount | priority |
      | A6 | 200    | null     |
    Then orders A6 has
      | priority |
      | null     |

  Scenario: update of an input
    When I change orders A1
      | amount |
      | 500    |
    Then orders A1 has
      | priority |
      | normal   |

  Scenario: update of something else
    When I change orders A1
      | note |
      | late |
    Then orders A1 has
      | priority |
      | normal   |

  Scenario: foreign key change
    When I change orders A1
      | customer |
      | Berta    |
    Then orders A1 has
      | priority |
      | normal   |

  Scenario: to null and back
    When I change orders A1
      | priority |
      | null     |
    Then orders A1 has
      | priority |
      | null     |
    When I change orders A1
      | amount |
      | 500    |
    Then orders A1 has
      | priority |
      | null     |
    When I change orders A1
      | priority |
      | low      |
    Then orders A1 has
      | priority |
      | low      |
